"""Faults on purpose: processes that are killed, disks that are full, files that are damaged."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # what is forked may have one thread only
    os.environ.setdefault(_name, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
