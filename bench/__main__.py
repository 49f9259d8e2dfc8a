"""`python -m bench`: every benchmark that needs nothing but this machine, one after the other."""

import runpy
import sys

NAMES = ("bench.fold", "bench.rescore")

for name in sys.argv[1:] or NAMES:
    print(f"\n=== {name}", flush=True)
    sys.argv = [name]
    runpy.run_module(name, run_name="__main__")
