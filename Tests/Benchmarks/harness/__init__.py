"""The parts of the benchmark. run.py combines them."""
