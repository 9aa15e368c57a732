"""raresim: published numbers about a rare disease in, operating characteristics of trials out."""

__version__ = "0.1.0"
