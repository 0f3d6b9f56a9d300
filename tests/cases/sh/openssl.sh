# Keys, certificates and ciphers.
cd /work; openssl version | cut -d' ' -f1; openssl rand -hex 8 | wc -c; echo hi | openssl dgst -sha256
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k 2>/dev/null
openssl req -new -x509 -key k -subj /CN=test -days 1 -out c 2>/dev/null; openssl x509 -in c -noout -subject
echo data >d; openssl dgst -sha256 -sign k -out sig d; openssl pkey -in k -pubout -out pub; openssl dgst -sha256 -verify pub -signature sig d
openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in /bin/ls -out e; openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x -in e | cmp - /bin/ls; echo $?
