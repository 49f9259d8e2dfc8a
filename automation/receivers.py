"""Turn what scoring found into runs."""
