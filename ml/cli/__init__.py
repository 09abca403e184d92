"""The command line ``python -m ml``: arguments, progress and output; the work is done by the other folders of ml."""
