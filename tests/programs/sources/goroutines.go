// Goroutines, preemption of a loop without calls, os/exec, signals, the collector, and a fault that becomes a panic.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	var wg sync.WaitGroup
	results := make([]int, 100)
	for i := range results {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			s := 0
			for j := 0; j < 100000; j++ {
				s += j % (i + 1)
			}
			results[i] = s
		}(i)
	}
	wg.Wait()
	sum := 0
	for _, r := range results {
		sum += r
	}
	fmt.Println("sum", sum)
	// A loop without calls is preempted by a signal.
	runtime.GOMAXPROCS(1)
	done := make(chan bool)
	go func() {
		for i := 0; ; i++ {
			if i < 0 {
				break
			}
		}
	}()
	go func() { time.Sleep(20 * time.Millisecond); done <- true }()
	<-done
	fmt.Println("preempted")
	runtime.GOMAXPROCS(2)
	cmd := exec.Command("/bin/sh", "-c", "cat; exit 4")
	cmd.Stdin = strings.NewReader("through exec\n")
	out, err := cmd.Output()
	fmt.Print(string(out))
	fmt.Println(err)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-signals)
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println("gc", stats.NumGC > 0)
	_, err = exec.Command("/no/such/program").Output()
	fmt.Println(err)
	defer func() { fmt.Println("recovered", recover()) }()
	var p *int
	fmt.Println(*p)
}
