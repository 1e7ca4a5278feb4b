"""Who may see what, how coarse, and for how long. Pure: time, ids and randomness are arguments."""
