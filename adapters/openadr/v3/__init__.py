"""OpenADR 3.1.1: the REST API of a VTN, for business logic clients."""
