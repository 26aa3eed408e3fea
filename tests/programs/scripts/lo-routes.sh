# What ip(8) shows of routes through lo. lo-routes.txt is what Linux answers in an empty namespace: unshare -n sh lo-routes.sh
t() { echo "# $*"; "$@" 2>&1; }
ip link set lo up
t ip -6 route
t ip -6 route show table local
t ip -6 route get ::1
t ip -4 route get 127.0.0.1
t ip -4 route get 127.1.2.3
t ip -4 route show table local
t ip addr add fd00::1/64 dev lo
t ip -6 route
t ip -6 route add default via fd00::2 dev lo
t ip -6 route get 2001:db8::1
t ip -6 route show table local
t ip -6 route add fd00:1::/32 dev lo
t ip -6 route get fd00:1::3
t ip -6 route get fd00::7
t ip -6 route get fd00::1
t ip -6 addr del fd00::1/64 dev lo
t ip -6 route
t ip -6 route add blackhole 2001:db8::/32
t ip -6 route add unreachable 2001:db9::/32
t ip -6 route add prohibit 2001:dba::/32
t ip -6 route
t ip -6 route get 2001:db8::1
t ip -6 route get 2001:db9::1
t ip -6 route get 2001:dba::1
t ip -4 route add default via 127.0.0.2
t ip -4 route
t ip -4 route add unreachable 10.9.0.0/16
t ip -4 route get 10.9.1.1
t ip addr add 10.1.1.2/24 dev lo
t ip -4 route get 10.1.1.77
t ip -4 route get 10.1.1.2
t ip -4 route show table local
t ip -6 rule
t ip -4 rule
t ip -6 neigh
