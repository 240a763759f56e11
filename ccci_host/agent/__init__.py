"""`ccci-prune`: the only thing on the host that deletes images, and only as docs/retention.md says.

Standard library only, Python ≥ 3.9, and nothing else of ours is imported: the package ships as one zipapp.
"""

__version__ = "1.0"
