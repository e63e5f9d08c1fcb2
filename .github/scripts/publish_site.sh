#!/usr/bin/env bash
# publish_site.sh BUILT VERSION: put the folder BUILT as VERSION beside the other versions on the branch gh-pages, which GitHub Pages
# serves. The branch holds one commit, so that it does not grow with every change. Run again, it changes nothing.
set -euo pipefail
built=$(cd "$1" && pwd) version=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
was=$(git ls-remote origin refs/heads/gh-pages | cut -f 1)
url=$(git remote get-url origin)
git init --quiet --initial-branch gh-pages "$site"
cd "$site"
git remote add origin "$url"
if [ -n "$was" ]; then
    git fetch --quiet --depth 1 origin gh-pages
    git checkout --quiet FETCH_HEAD -- .
fi
rm -rf "./$version"
cp -R "$built" "$version"
touch .nojekyll # pages below _static are served as they are
"$here/versions.py" .
git add --all --force
if [ -n "$was" ] && git diff --quiet --cached FETCH_HEAD; then
    exit
fi
export GIT_AUTHOR_NAME='github-actions[bot]' GIT_AUTHOR_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
git commit --quiet --no-gpg-sign --message "Show $version"
git push --quiet "--force-with-lease=refs/heads/gh-pages:$was" origin HEAD:refs/heads/gh-pages
