# What rules do to traffic on loopback: argument 1 is the iptables to use. Ports that are dropped are waited for only shortly.
import socket, subprocess, errno, os, sys, threading, struct
BIN=sys.argv[1] if len(sys.argv)>1 else 'iptables-legacy'
def ipt(*a, six=False):
    b = BIN.replace('iptables','ip6tables') if six else BIN
    p = subprocess.run([b,*' '.join(a).split()],capture_output=True,text=True)
    if p.returncode: print('!',a,p.returncode,p.stderr.strip())
    return p.stdout
def server(port, fam=socket.AF_INET, addr='127.0.0.1'):
    s=socket.socket(fam,socket.SOCK_STREAM); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)
    s.bind((addr,port)); s.listen(8)
    def run():
        while True:
            try: c,_=s.accept()
            except OSError: return
            try:
                try: o=c.getsockopt(socket.IPPROTO_IP,80,16); od='%s:%d'%(socket.inet_ntoa(o[4:8]),struct.unpack('!H',o[2:4])[0])
                except OSError as e: od=errno.errorcode[e.errno]
                c.sendall(('port %d from %s orig %s'%(port,c.getpeername()[0],od)).encode()); c.close()
            except OSError: pass
    threading.Thread(target=run,daemon=True).start()
GENEROUS = 30
SHORT = 0.6
def tcp(port, addr='127.0.0.1', fam=socket.AF_INET, timeout=GENEROUS):
    s=socket.socket(fam,socket.SOCK_STREAM); s.settimeout(timeout)
    try:
        s.connect((addr,port)); d=b''
        while True:
            g=s.recv(999)
            if not g: break
            d+=g
        return d.decode()+' via %s:%d'%s.getpeername()[:2]
    except socket.timeout: return 'timeout'
    except OSError as e: return errno.errorcode[e.errno]
    finally: s.close()
def udp(port, addr='127.0.0.1', fam=socket.AF_INET, timeout=GENEROUS):
    s=socket.socket(fam,socket.SOCK_DGRAM); s.settimeout(timeout)
    try:
        s.connect((addr,port)); s.send(b'hello'); return s.recv(99).decode()
    except socket.timeout: return 'timeout'
    except OSError as e: return errno.errorcode[e.errno]
    finally: s.close()
def udpserver(port):
    s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('127.0.0.1',port))
    def run():
        while True:
            d,a=s.recvfrom(999); s.sendto(b'echo %d '%port+d,a)
    threading.Thread(target=run,daemon=True).start()
subprocess.run(['ip','link','set','lo','up'],stderr=subprocess.DEVNULL)
for p in (8080,8081,8082): server(p)
server(8080,socket.AF_INET6,'::1')
udpserver(5353)
def counters(table='filter'):
    print(subprocess.run('%s -t %s -L -n -v -x | grep -v ^Chain | grep -v pkts | grep .'%(BIN,table),shell=True,capture_output=True,text=True).stdout.rstrip())
print('open', tcp(8080)); print('closed', tcp(9)); print('udp', udp(5353)); print('udp closed', udp(9))
ipt('-A INPUT -p tcp --dport 8080 -j DROP'); print('drop in', tcp(8080, timeout=SHORT), tcp(8081)); ipt('-F')
ipt('-A INPUT -p tcp --dport 8080 -j REJECT'); print('reject', tcp(8080)); ipt('-F')
ipt('-A INPUT -p tcp --dport 8080 -j REJECT --reject-with icmp-host-prohibited'); print('reject host-prohib', tcp(8080)); ipt('-F')
ipt('-A INPUT -p tcp --dport 8080 -j REJECT --reject-with icmp-net-unreachable'); print('reject net', tcp(8080)); ipt('-F')
ipt('-A INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset'); print('reset', tcp(8080)); ipt('-F')
ipt('-A OUTPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset'); print('reset out', tcp(8080)); ipt('-F')
ipt('-A OUTPUT -p tcp --dport 8080 -j REJECT'); print('reject out', tcp(8080)); ipt('-F')
ipt('-A OUTPUT -p tcp --dport 8080 -j DROP'); print('drop out', tcp(8080, timeout=SHORT)); ipt('-F')
ipt('-A OUTPUT -p udp --dport 5353 -j DROP'); print('udp drop out', udp(5353)); ipt('-F')
ipt('-A OUTPUT -p udp --dport 5353 -j REJECT'); print('udp reject out', udp(5353)); ipt('-F')
ipt('-A INPUT -p udp --dport 5353 -j REJECT'); print('udp reject in', udp(5353)); ipt('-F')
ipt('-A INPUT -p udp --dport 5353 -j DROP'); print('udp drop in', udp(5353, timeout=SHORT)); ipt('-F')
ipt('-P INPUT DROP'); print('policy', tcp(8080, timeout=SHORT), udp(5353, timeout=SHORT)); ipt('-P INPUT ACCEPT')
ipt('-N a'); ipt('-N b'); ipt('-A INPUT -j a'); ipt('-A a -p tcp --dport 8081 -g b'); ipt('-A a -p udp -j RETURN'); ipt('-A a -p tcp --dport 8082 -j DROP'); ipt('-A b -p tcp --dport 1 -j ACCEPT'); ipt('-A INPUT -p tcp --dport 8081 -j REJECT')
print('chains', tcp(8080)[:9], tcp(8081), tcp(8082, timeout=SHORT), udp(5353)); ipt('-F'); ipt('-X')
ipt('-t nat -A OUTPUT -p tcp --dport 81 -j REDIRECT --to-ports 8081'); print('redirect', tcp(81))
ipt('-t nat -A OUTPUT -p tcp --dport 82 -j DNAT --to-destination 127.0.0.1:8082'); print('dnat port', tcp(82))
ipt('-t nat -A OUTPUT -p tcp -d 127.9.9.9 --dport 80 -j DNAT --to-destination 127.0.0.1:8080'); print('dnat addr', tcp(80,'127.9.9.9'))
ipt('-t nat -A OUTPUT -p udp --dport 53 -j REDIRECT --to-ports 5353'); print('redirect udp', udp(53))
ipt('-t nat -A POSTROUTING -p tcp --dport 8082 -j SNAT --to-source 127.0.0.77'); print('snat', tcp(8082), tcp(82))
counters('nat')
ipt('-t nat -F')
ipt('-t nat -A INPUT -p tcp --dport 8080 -j SNAT --to-source 127.0.0.99'); print('snat in', tcp(8080)); ipt('-t nat -F')
ipt('-t nat -A OUTPUT -p tcp --dport 7000:7010 -j DNAT --to-destination 127.0.0.1:8080-8080'); print('range', tcp(7005)); ipt('-t nat -F')
ipt('-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'); ipt('-A INPUT -p tcp --dport 8080 -m conntrack --ctstate NEW -j ACCEPT'); ipt('-P INPUT DROP')
print('state', tcp(8080)[:9], tcp(8081, timeout=SHORT), udp(5353, timeout=SHORT)); ipt('-P INPUT ACCEPT'); ipt('-F')
ipt('-A INPUT -p tcp --dport 8080 -m limit --limit 1/hour --limit-burst 2 --syn -j ACCEPT'); ipt('-A INPUT -p tcp --dport 8080 --syn -j DROP'); print('limit',[tcp(8080)[:9], tcp(8080)[:9], tcp(8080, timeout=SHORT)]); ipt('-F')
ipt('-t mangle -A OUTPUT -p tcp --dport 8080 -j MARK --set-mark 5'); ipt('-A INPUT -m mark --mark 5 -j REJECT'); print('mark', tcp(8080), tcp(8081)[:9]); ipt('-F'); ipt('-t mangle -F')
ipt('-A OUTPUT -p tcp --dport 8080 -m owner --uid-owner 12345 -j REJECT'); print('owner', tcp(8080)[:9])
sys.stdout.flush(); pid=os.fork()
if pid==0:
    os.setgid(12345); os.setuid(12345); sys.stdout.flush(); os.write(1,('owner as other '+tcp(8080)+'\n').encode()); os._exit(0)
os.waitpid(pid,0); ipt('-F')
ipt('-A INPUT -p tcp -m multiport --dports 8081,8082 -j REJECT'); print('multiport', tcp(8080)[:9], tcp(8081), tcp(8082)); ipt('-F')
ipt('-A INPUT -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j REJECT'); print('addrtype', tcp(8080)); ipt('-F')
ipt('-t raw -A OUTPUT -p udp --dport 5353 -j NOTRACK'); ipt('-A OUTPUT -p udp --dport 5353 -m conntrack --ctstate UNTRACKED -j REJECT'); print('notrack', udp(5353)); ipt('-F'); ipt('-t raw -F')
ipt('-A INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset',six=True); print('v6', tcp(8080,'::1',socket.AF_INET6), tcp(8080)[:9]); ipt('-F',six=True)
ipt('-t nat -A OUTPUT -p tcp --dport 81 -j REDIRECT --to-ports 8080',six=True); print('v6 redirect', tcp(81,'::1',socket.AF_INET6)); ipt('-t nat -F',six=True)
ipt('-A INPUT -p udp --dport 5353'); ipt('-A OUTPUT -p udp --sport 5353 -j ACCEPT'); [udp(5353) for _ in range(3)]; counters(); ipt('-Z'); counters(); ipt('-F')
p=subprocess.run(['ping','-c1','-W1','127.0.0.1'],capture_output=True); print('ping',p.returncode)
ipt('-A INPUT -p icmp --icmp-type echo-request -j DROP'); p=subprocess.run(['ping','-c1','-W1','127.0.0.1'],capture_output=True); print('ping dropped',p.returncode); ipt('-F')
