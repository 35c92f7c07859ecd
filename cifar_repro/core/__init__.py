"""The experiment and nothing else; imports nothing from the rest of the package."""
