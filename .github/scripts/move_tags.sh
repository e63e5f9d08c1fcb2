#!/usr/bin/env bash
# move_tags.sh TAG FLOATING REFERENCE: in a clean checkout of the commit that TAG was pushed on, commit an action.yml that runs the
# image REFERENCE, and point TAG and FLOATING (v1; empty: leave it) there, both or none. Run again, it makes the same commit and
# changes nothing. Whoever moved a tag in between is not overruled.
set -euo pipefail
tag=$1 floating=$2 reference=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

at() { # at TAG: what the remote has under that name, nothing if it has none
    git ls-remote origin "refs/tags/$1" | cut -f 1
}
commit_of() { # commit_of TAG: the commit it leads to, also through a signed or annotated tag
    git ls-remote origin "refs/tags/$1" "refs/tags/$1^{}" | tail -n 1 | cut -f 1
}

source=$(git rev-parse HEAD)
moment=$(git show --no-patch --format=%cI "$source")
"$here/pin_image.py" "$reference"
# A fixed author and the moment of the source: the same commit each time.
export GIT_AUTHOR_NAME='github-actions[bot]' GIT_AUTHOR_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
export GIT_AUTHOR_DATE=$moment GIT_COMMITTER_DATE=$moment
git commit --quiet --no-gpg-sign --message "Run the image of $tag" -- action.yml
release=$(git rev-parse HEAD)

now=$(commit_of "$tag")
if [ "$now" != "$source" ] && [ "$now" != "$release" ]; then
    echo "move_tags.sh: $tag leads to ${now:-nothing}, and not to $source that was built" >&2
    exit 1
fi
moves=("--force-with-lease=refs/tags/$tag:$(at "$tag")" "$release:refs/tags/$tag")
if [ -n "$floating" ]; then
    moves+=("--force-with-lease=refs/tags/$floating:$(at "$floating")" "$release:refs/tags/$floating")
fi
git push --quiet --atomic origin "${moves[@]}"
echo "$release"
