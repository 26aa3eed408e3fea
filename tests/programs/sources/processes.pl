# fork and wait, signals, pipes in both directions, a socket pair, and a select loop.
use strict;
use warnings;
use POSIX qw(:sys_wait_h pause dup2 _exit);
use Socket;
$| = 1;

my @children = map { my $code = $_; my $pid = fork; _exit($code) if !$pid; $pid } 1 .. 5;
for my $pid (@children) { waitpid $pid, 0; print $? >> 8, "\n" }

$SIG{ALRM} = sub { print "alarm\n" };
alarm 1;
pause;

my $count = 0;
$SIG{CHLD} = sub { while ((my $pid = waitpid -1, WNOHANG) > 0) { $count++ } };
for (1 .. 3) { _exit(0) if !fork }
select undef, undef, undef, 0.01 while $count < 3;
print "reaped $count\n";
$SIG{CHLD} = 'DEFAULT';

open my $from, '-|', 'echo from a pipe' or die;
print <$from>;
close $from;
open my $to, '|-', 'tr a-z A-Z' or die;
print $to "to a pipe\n";
close $to;
print 'status ', $? >> 8, "\n";
print `echo substituted`;

socketpair my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
my $echo = fork;
if (!$echo) { close $left; while (sysread $right, my $byte, 1) { syswrite $right, uc $byte } _exit(0) }
close $right;
for my $letter (qw(a b c)) { syswrite $left, $letter; sysread $left, my $answer, 1; print $answer }
print "\n";
close $left;
waitpid $echo, 0;

my $victim = fork;
if (!$victim) { sleep 100; _exit(0) }
kill 'TERM', $victim;
waitpid $victim, 0;
print 'killed by ', $? & 127, "\n";
eval { local $SIG{ALRM} = sub { die "timeout\n" }; alarm 1; select undef, undef, undef, 20; };
print $@;
exec '/bin/echo', 'replaced' or die;
