"""The REST interface of the people listener: for the operator's programs, and for a household's own ones."""
