"""Serving, side by side: ours, the wire, and what people usually serve a scikit-learn model with."""
