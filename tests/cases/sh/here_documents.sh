# Here-documents of all sizes: small ones are pipes, large ones temporary files.
name=world
cat <<EOF
hello $name $((6 * 7))
EOF
cat <<'EOF'
hello $name
EOF
cat <<-EOF
	tabs are taken off
	EOF
cat <<<"one line"
eval "cat <<EOF | md5sum
$(seq 1 40000)
EOF"
cat <<A; cat <<B
first
A
second
B
