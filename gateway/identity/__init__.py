"""Who is calling: certificates of boxes and VENs, sessions of households, tokens of partners, the operator's token."""
