"""Mutation testing: changes the source in every way that mutmut knows, and asks the tests to notice.

mutmut (from PyPI, in no requirements of ours) makes the mutants; all of them stand in one copy of the tree,
behind switches. Its own runner leaves decorated functions alone, and those are what a check is: here
decorators are written as calls first. Each mutant is tried in a fork of one process that has collected the
tests, so that thousands take minutes.
"""
