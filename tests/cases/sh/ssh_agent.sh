# An agent on a Unix socket that outlives the shell which started it.
cd /work; ssh-keygen -q -t ed25519 -N '' -C test -f k; eval "$(ssh-agent -a /work/agent)" >/dev/null
ssh-add -q k; ssh-add -l | awk '{print $1, $3, $4}'; [ -S /work/agent ] && echo socket; ssh-add -D 2>&1; ssh-add -l; kill $SSH_AGENT_PID
for i in $(seq 1000); do [ -e /work/agent ] || break; sleep 0.05; done; [ -e /work/agent ] && echo left || echo gone
