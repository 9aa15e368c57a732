"""Sample size and power of simple designs by closed formulas and exact enumeration."""
