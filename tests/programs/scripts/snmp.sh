# What is counted of ICMP and UDP. snmp.txt is what Linux counts in an empty namespace with lo up.
ping -qc2 ::1 >/dev/null; ping -qc3 127.0.0.1 > /dev/null; /usr/bin/python3 -c '
import socket
s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.bind(("::1",0)); s.sendto(b"x",s.getsockname()); s.recv(9)
s.connect(("::1",9)); s.send(b"x")
try: s.recv(9)
except OSError as e: print(e.errno)
t=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); t.sendto(b"x",("127.0.0.1",9))
'
grep -E "^(Icmp6|Udp6)" /proc/net/snmp6 | awk '$2>0 {print $1,$2}'; grep -E "^(Icmp|IcmpMsg|Udp):" /proc/net/snmp
