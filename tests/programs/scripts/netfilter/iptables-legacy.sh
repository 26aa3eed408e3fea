# iptables-legacy(8): rules of every kind that the sandbox knows, and what is refused. The host prints the same.
exec 2>&1
cd "$(mktemp -d)"
export PATH=$PATH:/usr/sbin
ip link set lo up 2>/dev/null
I="iptables-legacy -w"
r() { echo "+ $*"; "$@"; echo "= $?"; }
r $I -P FORWARD DROP
r $I -N web
r $I -A INPUT -p tcp --dport 8000:8100 -j web
r $I -A web -s 127.0.0.1/32 -m comment --comment "a word" -j RETURN
r $I -A web -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
r $I -A web -m state --state INVALID -j DROP
r $I -A web -p udp -m multiport --dports 53,100:200 -j REJECT
r $I -A web -p tcp -j REJECT --reject-with tcp-reset
r $I -A web -p icmp --icmp-type echo-request -m limit --limit 5/min --limit-burst 3 -j LOG --log-prefix "ping " --log-level 4
r $I -A OUTPUT -m owner --uid-owner 1000 -j DROP
r $I -A OUTPUT -m mark --mark 0x10/0xff -g web
r $I -A INPUT -i eth+ ! -s 10.0.0.0/8 -m addrtype --dst-type LOCAL -j ACCEPT
r $I -A web -j web
r $I -A web -j nowhere
r $I -A INPUT -m nosuch
r $I -D INPUT 9
r $I -t nat -A OUTPUT -p tcp --dport 81 -j REDIRECT --to-ports 8081
r $I -t nat -A OUTPUT -d 10.9.8.7 -p tcp --dport 80 -j DNAT --to-destination 127.0.0.1:8081
r $I -t nat -A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE --to-ports 1000-2000
r $I -t nat -A POSTROUTING -s 10.1.0.0/16 -j SNAT --to-source 1.2.3.4-1.2.3.9:100-200
r $I -t nat -A INPUT -j MASQUERADE
r $I -t mangle -A PREROUTING -p tcp --syn -j MARK --set-mark 7
r $I -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
r $I -t mangle -A OUTPUT -m length --length 100:200 -m ttl --ttl-gt 5 -m dscp --dscp 8 -j CONNMARK --save-mark
r $I -t raw -A PREROUTING -p udp -j CT --notrack
r $I -t raw -A OUTPUT -p udp --sport 53 -m statistic --mode nth --every 2 -j NOTRACK
r $I -t filter -A OUTPUT -m iprange --dst-range 10.0.0.1-10.0.0.9 -j REJECT --reject-with icmp-host-prohibited
r $I -t raw -A OUTPUT -j REJECT
r $I -t nat -A POSTROUTING -j DNAT --to 1.2.3.4
r $I -t filter -A INPUT -m owner --uid-owner 0
r $I -E web site
r $I -X site
r $I -L -n -v
r $I -t nat -L -n -v
r $I -t nat -S
r $I -t mangle -S
r $I -t raw -S
for t in filter nat mangle raw; do iptables-legacy-save -t $t | grep -v '^#'; done
iptables-legacy-save -t filter | iptables-legacy-restore; echo restored $?
iptables-legacy-save -t filter | grep -v '^#'
r $I -F; r $I -X; r $I -Z
ip6tables-legacy -A INPUT -p ipv6-icmp --icmpv6-type 128 -s fe80::/10 -j REJECT --reject-with icmp6-adm-prohibited; echo $?
ip6tables-legacy -A INPUT -p tcp --dport 80 -d ::1 -m conntrack --ctorigdst ::1 --ctstate NEW -j REJECT --reject-with tcp-reset; echo $?
ip6tables-legacy -t nat -A OUTPUT -p tcp -d ::1 --dport 81 -j DNAT --to-destination [::1]:82; echo $?
ip6tables-legacy-save | grep -v '^#'
sort /proc/net/ip_tables_names
