"""The ways in which a picture comes back, and a few copies of one thing."""

from . import harder, shoot

# What ways become where copies are to be harder: from the side and in other colours, or as people photograph.
HARDER = {"harder": {"save": "treat", "photo": "slant"}, "rough": {"scan": "rough", "photo": "rough"}}


def again(r, image, tables, way):
    """One more copy of a picture: "save", "treat", "scan", "photo", "slant" or "rough"; " colour" where colours are what counts."""
    exact = way.endswith(" colour")
    if way.startswith("save"):
        return shoot.saved_again(r, image, exact=exact)
    if way.startswith("scan"):
        return shoot.scanned(r, image, exact)
    if way == "treat":
        return harder.treated(r, image)
    if way == "slant":
        return harder.slanted(r, image, r.choice(tables))
    if way == "rough":
        return harder.rough(r, image, r.choice(tables))
    return shoot.photographed(r, image, r.choice(tables))


def copies(r, image, tables, ways, least=3, most=4):
    """Three or four pictures of one thing, the ways in random order."""
    order = r.sample(ways, len(ways))
    return [
        again(r, image, tables, order[place % len(order)])
        for place in range(r.randint(least, most))
    ]
