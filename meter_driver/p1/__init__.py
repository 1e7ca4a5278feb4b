"""P1 telegrams (DSMR, eMUCs and their likes)."""
