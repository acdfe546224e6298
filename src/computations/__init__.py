"""Your computations: add a file or a folder here and nothing else changes.

`word_count.py` on disk is `word-count` in the API, and so is a folder `word_count`. It has a
docstring, `Parameters`, `Result`, `POLICY`, `EXAMPLE` and `compute(parameters, progress)`, and
imports only `backburner.computation` of backburner. Import heavy libraries inside `compute`, or in
a module that only `compute` imports: the request function lacks them.
"""
