"""The lab's recipes, each made into a git repository with an annotated version tag."""

from ccci_host.lab.recipes_src.writer import write_recipes

__all__ = ["write_recipes"]
