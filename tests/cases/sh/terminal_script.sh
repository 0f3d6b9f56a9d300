# Programs that make a terminal for others: script(1), and what stty(1) and tty(1) say on it.
script -qec 'stty -a; tty | grep -c ^/dev/pts/' /dev/null </dev/null
script -qec 'stty -echo -icanon min 2 time 1 intr ^T rows 30 cols 100; stty -a; stty size; stty sane; stty -a' /dev/null </dev/null
script -qec 'exit 7' /dev/null </dev/null; echo "code $?"
script -qec 'stty raw -echo; stty -g' /dev/null </dev/null
