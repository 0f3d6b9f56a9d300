# git: a history, a clone, a merge, a repack.
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000'
export HOME=/work; git config --global init.defaultBranch main; git config --global gc.auto 0; git config --global protocol.file.allow always
cd /work; git init -q r; cd r; seq 1 1000 >a; mkdir d; cp /etc/passwd d/p; git add .; git commit -qm first; git log --oneline
for i in $(seq 1 20); do echo $i >>a; git commit -qam "change $i"; done; git rev-list --count HEAD; git rev-parse HEAD
git checkout -qb side HEAD~5; echo side >s; git add s; git commit -qm side; git checkout -q main; git merge -q -m merge side; git log --graph --oneline | head -n 4
git status --short; echo dirty >>a; git status --short; git diff --stat; git stash -q; git stash list; git stash pop -q; git checkout -q a
git gc -q; git count-objects -v | grep -E '^(count|packs)'; git fsck --strict 2>&1 | tail -n 1; git clone -q . ../c; cd ../c; git log --oneline | wc -l
git tag -a v1 -m v1; git describe; git archive HEAD | tar t | sort; git blame -s a | tail -n 1; git grep -c root; git push -q origin HEAD:refs/heads/new; git branch -r | sort
