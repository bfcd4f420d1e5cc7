"""An earlier photo instead of a new one: the rule, the comparison, the person's choice."""
