"""Extensions: found by entry points, checked, bounded, and given what their kind is given."""
