"""OpenADR: a VTN for 2.0b, and the REST API of 3.1 beside it."""
