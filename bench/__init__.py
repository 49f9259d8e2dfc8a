"""Benchmarks, each runnable by one command against real parts."""
