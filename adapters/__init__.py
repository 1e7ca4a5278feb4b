"""Interfaces to the outside: each turns questions of partners into questions to the one door."""
