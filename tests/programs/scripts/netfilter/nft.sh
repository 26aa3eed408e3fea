# nft(8): tables, chains, rules, sets, maps, objects, files and mistakes. The host prints the same.
exec 2>&1
cd "$(mktemp -d)"
export PATH=$PATH:/usr/sbin
ip link set lo up 2>/dev/null
r() { echo "+ $*"; "$@"; echo "= $?"; }
r nft list ruleset
r nft add table inet t
r nft create table inet t
r nft list tables
r nft add chain inet t in '{ type filter hook input priority 0; policy accept; }'
r nft add chain inet t side
r nft add rule inet t in tcp dport 80 drop
r nft add rule inet t in tcp dport '{ 22, 443, 1000-2000 }' counter accept
r nft add rule inet t in ct state established,related accept
r nft add rule inet t in ip saddr 10.0.0.0/8 jump side
r nft insert rule inet t in iifname lo udp dport 53 counter reject with icmpx type admin-prohibited
r nft add rule inet t side jump side
r nft add rule inet t in jump nowhere
r nft add rule inet nope in accept
r nft add rule inet t nope accept
r nft list ruleset
r nft -a list chain inet t in
r nft add set inet t s '{ type ipv4_addr; flags interval; }'
r nft add element inet t s '{ 10.0.0.0/8, 192.168.0.1-192.168.0.77, 1.2.3.4 }'
r nft add element inet t s '{ 10.1.0.0/16 }'
r nft add map inet t m '{ type inet_service : verdict; }'
r nft add element inet t m '{ 80 : accept, 81 : jump side, 82 : drop }'
r nft add rule inet t in ip daddr @s tcp dport vmap @m
r nft add rule inet t in tcp dport vmap '{ 1-5 : drop, 7 : accept }'
r nft add map inet t n '{ type ipv4_addr : inet_service; flags interval; }'
r nft add element inet t n '{ 10.0.0.0/24 : 8080 }'
r nft add counter inet t c
r nft add rule inet t in meta mark 7 counter name c
r nft add quota inet t q '{ over 10 mbytes; }'
r nft add rule inet t in quota name q drop
r nft add rule inet t side limit rate 10/second burst 7 packets log prefix '"hey "' return
r nft add rule inet t side ip protocol icmp icmp type echo-request accept
r nft add rule inet t side ip6 nexthdr icmpv6 icmpv6 type '{ nd-neighbor-solicit, nd-router-advert }' accept
r nft add rule inet t side tcp flags '&' '(syn|ack)' == syn meta mark set 0x10
r nft add rule inet t side tcp sport 1-1024 tcp dport != 5 ct mark set meta mark
r nft add rule inet t side meta skuid 1000 oifname '"eth*"' reject with tcp reset
r nft add rule inet t side ip saddr . tcp dport '{ 1.2.3.4 . 80, 5.6.7.0/24 . 90-99 }' accept
r nft add rule inet t side fib daddr type local accept
r nft add rule inet t side ip dscp 8 ip ttl 5 ip length 100-200 drop
r nft add rule inet t side nosuch
r nft delete set inet t s
r nft delete chain inet t side
r nft list ruleset
r nft list set inet t s
r nft get element inet t s '{ 10.2.3.4 }'
r nft get element inet t s '{ 11.2.3.4 }'
r nft delete element inet t s '{ 1.2.3.4 }'
r nft delete element inet t s '{ 1.2.3.5 }'
r nft list set inet t s
r nft list counters
r nft reset counters
r nft delete rule inet t in handle 9999
r nft list map inet t m
r nft list chain inet t side
nft list ruleset > ./rules.x
r nft flush chain inet t side
r nft flush ruleset
r nft list ruleset
cat > ./n.x <<'EON'
table ip nat {
  chain pre { type nat hook prerouting priority dstnat; policy accept; }
  chain out { type nat hook output priority -100; tcp dport 81 redirect to :8081
 ip daddr 10.9.8.7 tcp dport 80 dnat to 127.0.0.1:8080
 }
  chain post { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; ip saddr 10.0.0.0/8 snat to 1.2.3.4-1.2.3.9; tcp dport 9 masquerade to :1000-2000 random
 }
}
table ip6 f {
  set who { typeof ip6 saddr; elements = { fd00::1, fd00::5 }
 }
  set tmp { type ipv4_addr; timeout 1h; size 100; }
  chain i { type filter hook input priority filter + 10; policy drop; ip6 saddr @who accept; ip6 daddr fe80::/10 tcp dport { 1, 2 } accept
 }
  chain m { type route hook output priority mangle; meta mark set 5
 }
}
define x = 5
table inet f { counter a { packets 5 bytes 7 } 
  chain f { type filter hook forward priority 5; ct state vmap { established : accept, invalid : drop } ; counter packets 3 bytes 4 ; goto g
 }
  chain g { comment "why"; ip saddr 1.1.1.1 accept comment "here"
 return
 }
}
EON
r nft -f ./n.x
r nft list ruleset
echo 'add table ip a
add chain ip a b
add rule ip a b bogus
add rule ip a b tcp dport 5 accept' > ./n.x
nft -f ./n.x 2>&1 | sed 's,/tmp/n[^:]*,FILE,'
echo 'add table ip a
add chain ip a b
add rule ip nope b accept
add rule ip a b tcp dport 5 accept
delete table ip a2' > ./n.x
nft -f ./n.x 2>&1 | sed 's,/tmp/n[^:]*,FILE,'
r nft list tables
r nft flush ruleset
nft -f ./rules.x; echo $?
r nft list ruleset
r nft rename chain inet t side aside
r nft replace rule inet t in handle 9 accept
r nft add table inet t '{ flags dormant; }'
r nft list table inet t
r nft delete table inet t
r nft delete table inet t
rm -f ./n.x ./rules.x
