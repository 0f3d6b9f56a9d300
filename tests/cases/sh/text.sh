# grep, sed, awk, sort and diff.
cd /work; seq 1 2000 | awk '{print $1, $1 * $1, "row" $1 % 7}' >t
grep -c row3 t; grep -n '^100 ' t; grep -E '(12|34)5' t | tail -n 1; grep -q nothing t; echo $?; grep -r root /etc/passwd
sed -n '5,7p;1999q' t; sed -e 's/row\([0-9]\)/[\1]/' -e '3d' t | head -n 4; sed -i 's/row/R/' t; tail -n 1 t
awk '{s[$3] += $2} END {for (k in s) print k, s[k]}' t | sort; awk 'BEGIN{printf "%5.2f|%x\n", 3.14159, 255}'
sort -k3,3 -k2,2nr t | head -n 5; sort -u -k3,3 t | wc -l; sort -R t | sort -n | md5sum
cp t u; echo extra >>u; diff t u; echo $?; diff -u t u | tail -n 1; cmp t u; patch -s t <(diff t u); cmp t u; echo $?
tr a-z A-Z <u | head -n 1; column -t u | head -n 1; rev <<<abc; printf '%s\n' ä ö | LC_ALL=C.UTF-8 grep -c .
seq 200000 | sort -rn | head -n 1; echo 'scale=20; 4*a(1)' | bc -l; file /bin/ls | cut -d, -f1-2
