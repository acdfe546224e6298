"""Mistakes in lines that everything depends on; the tests have to notice each.

table.py     the mistakes: what the line says, what it says instead, and which tests notice
__main__.py  `make mutants`: each mistake in a copy of the tree, and the tests run there
"""
