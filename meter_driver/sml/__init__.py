"""SML, the Smart Message Language (BSI TR-03109-1 annex IV)."""
