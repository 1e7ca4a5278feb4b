"""Who there is: households (tenancies), metering points, boxes, organisations.

In memory for the hot paths, sealed on disk.

Everything is loaded before a port opens. Writes go to the store first and into memory when they are durable.
"""
