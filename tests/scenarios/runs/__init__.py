"""The scenarios, by what they are about."""


def scenario(make):
    """Marks a function as one labelled run."""
    make.scenario = True
    return make
