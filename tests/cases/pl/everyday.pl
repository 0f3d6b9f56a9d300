# Files, regular expressions, processes, pipes and sorting in Perl.
use strict; use warnings;
my %seen; open(my $in, '<', '/etc/passwd') or die; while (<$in>) { $seen{(split /:/)[6]}++ } close $in;
print "$_=$seen{$_}" for sort keys %seen;
my $out = `echo from a shell; exit 3`; print $out, $? >> 8, "\n";
pipe(my $r, my $w) or die; my $pid = fork();
if (!$pid) { close $r; print $w "child\n"; close $w; exit 4 }
close $w; print scalar <$r>; waitpid($pid, 0); print $? >> 8, "\n";
local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 5 }; print $@;
open(my $sort, '|-', 'sort -n') or die; print $sort "$_\n" for 3, 1, 2; close $sort;
mkdir '/work/p'; open(my $f, '>', '/work/p/f') or die; print $f 'x' x 1000; close $f; print -s '/work/p/f', "\n"; opendir(my $d, '/work/p'); print join(' ', sort readdir $d), "\n";
print join(',', map { sprintf '%02x', $_ } unpack 'C*', pack 'NnC', 1, 2, 3), "\n"; printf "%s\n", join ' ', (stat '/work/p/f')[2, 4, 5, 7];
