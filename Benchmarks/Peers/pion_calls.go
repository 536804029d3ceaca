// Calls between agents of pion in one process: calls --count N --interval S, or data --size N --seconds S --window N.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/ice/v2"
)

type line map[string]interface{}

func tell(message line) {
	text, _ := json.Marshal(message)
	fmt.Printf("%s\n", text)
}

func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func resident() int {
	text, _ := os.ReadFile("/proc/self/statm")
	var total, pages int
	fmt.Sscan(string(text), &total, &pages)
	return pages * os.Getpagesize()
}

// The heap that is in use, and the goroutines' stacks, which hold what other programs have on the heap.
func heap() uint64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc + memory.StackInuse
}

func tellStatus(kind string, usable int, spent float64) {
	tell(line{"type": kind, "cpu": spent, "heap": heap(), "resident": resident(), "usable": usable})
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func makeAgent() *ice.Agent {
	agent, err := ice.NewAgent(&ice.AgentConfig{
		NetworkTypes:     []ice.NetworkType{ice.NetworkTypeUDP4},
		MulticastDNSMode: ice.MulticastDNSModeDisabled,
		IncludeLoopback:  true,
		IPFilter:         func(address net.IP) bool { return address.IsLoopback() },
	})
	check(err)
	return agent
}

// Hands the candidates of an agent to another one as they come.
func signal(from, to *ice.Agent) {
	check(from.OnCandidate(func(candidate ice.Candidate) {
		if candidate == nil {
			return
		}
		copied, err := ice.UnmarshalCandidate(candidate.Marshal())
		check(err)
		check(to.AddRemoteCandidate(copied))
	}))
}

type side struct {
	agent      *ice.Agent
	connection *ice.Conn
}

type join func(context.Context, string, string) (*ice.Conn, error)

func (s *side) connect(join join, peer *ice.Agent, isConnected chan<- bool) {
	ufrag, password, err := peer.GetLocalUserCredentials()
	check(err)
	s.connection, err = join(context.Background(), ufrag, password)
	check(err)
	isConnected <- true
}

func makeCalls(count int) []*side {
	began := time.Now()
	isConnected := make(chan bool, 2*count)
	sides := make([]*side, 2*count)
	for i := range sides {
		sides[i] = &side{agent: makeAgent()}
	}
	for i := 0; i < 2*count; i += 2 {
		caller, callee := sides[i], sides[i+1]
		signal(caller.agent, callee.agent)
		signal(callee.agent, caller.agent)
		check(caller.agent.GatherCandidates())
		check(callee.agent.GatherCandidates())
		go caller.connect(caller.agent.Dial, callee.agent, isConnected)
		go callee.connect(callee.agent.Accept, caller.agent, isConnected)
	}
	for range sides {
		select {
		case <-isConnected:
		case <-time.After(60 * time.Second):
			check(fmt.Errorf("not all calls were connected in time"))
		}
	}
	tell(line{"type": "connected", "count": 2 * count, "seconds": time.Since(began).Seconds()})
	return sides
}

func hold(sides []*side, interval time.Duration) {
	// Looking at the heap costs more than the agents do.
	var looking float64
	for {
		time.Sleep(interval)
		before := cpu()
		tellStatus("status", len(sides), before-looking)
		looking += cpu() - before
	}
}

// The window is kept by what this process knows of both sides: no receipts are needed.
func sendData(sides []*side, size int, span time.Duration, window int64) {
	var received int64
	go func() {
		buffer := make([]byte, 65536)
		for {
			if _, err := sides[1].connection.Read(buffer); err != nil {
				return
			}
			atomic.AddInt64(&received, 1)
		}
	}()
	packet := bytes.Repeat([]byte("x"), size)
	began, before := time.Now(), cpu()
	var sent, lost, known int64
	lastNews := began
	for time.Since(began) < span {
		arrived := atomic.LoadInt64(&received)
		if arrived != known {
			lastNews = time.Now()
		}
		known = arrived
		if sent-lost-arrived < window {
			if _, err := sides[0].connection.Write(packet); err == nil {
				sent++
			}
		} else if time.Since(lastNews) > 20*time.Millisecond {
			lost = sent - arrived
		} else {
			runtime.Gosched()
		}
	}
	seconds, spent := time.Since(began).Seconds(), cpu()-before
	time.Sleep(100 * time.Millisecond)
	tell(line{
		"type": "data", "sent": sent, "received": atomic.LoadInt64(&received), "seconds": seconds, "cpu": spent,
	})
}

func raiseDescriptorLimit() {
	wanted := syscall.Rlimit{Cur: 65536, Max: 65536}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &wanted) == nil {
		return
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

func main() {
	raiseDescriptorLimit()
	flags := flag.NewFlagSet("pion_calls", flag.ExitOnError)
	count := flags.Int("count", 1, "calls")
	interval := flags.Float64("interval", 1, "seconds from status to status")
	size := flags.Int("size", 1200, "bytes of a datagram")
	seconds := flags.Float64("seconds", 1, "how long to send")
	window := flags.Int64("window", 64, "how many datagrams may be under way")
	if len(os.Args) < 2 {
		check(fmt.Errorf("usage: pion_calls calls|data"))
	}
	check(flags.Parse(os.Args[2:]))

	tellStatus("base", 0, cpu())
	if os.Args[1] == "data" {
		sendData(makeCalls(1), *size, time.Duration(*seconds*float64(time.Second)), *window)
	} else {
		hold(makeCalls(*count), time.Duration(*interval*float64(time.Second)))
	}
}
