"""Tables that say who may are only as good as their keys."""
