"""The demo: a street of simulated meters walks the whole road, over real sockets and TLS."""
