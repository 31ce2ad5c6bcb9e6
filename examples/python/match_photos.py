"""Matches two photos and saves the picture of the match.

    python examples/python/match_photos.py PHOTO_1 PHOTO_2 matches.png
"""

import sys

import delfin

if len(sys.argv) != 4:
    sys.exit(__doc__)
photo1, photo2, picture = sys.argv[1:]
result = delfin.match(photo1, photo2)
answer = "yes" if result.is_match else "no"
print(f"{answer}: {result.probability:.0%} probable, {result.num_inliers} of {result.num_matches} matches agree")
if result.matrix is not None:
    print("photo 1 -> photo 2:", *result.matrix, sep="\n")
result.save(picture)
print(picture)
