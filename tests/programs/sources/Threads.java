// A pool of threads that keeps the collector busy, a child process, and faults that the machine turns into exceptions.
import java.util.*;
import java.util.concurrent.*;
public class Threads {
  static long fill(int seed) {
    Random random = new Random(seed);
    long sum = 0;
    List<byte[]> kept = new ArrayList<>();
    for (int i = 0; i < 4000; i++) {
      byte[] block = new byte[1024 + random.nextInt(8192)];
      block[0] = (byte) i;
      if (i % 50 == 0) kept.add(block);
      sum += block.length;
    }
    return sum + kept.size();
  }
  public static void main(String[] args) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8);
    List<Future<Long>> results = new ArrayList<>();
    for (int i = 0; i < 16; i++) { final int seed = i; results.add(pool.submit(() -> fill(seed))); }
    long total = 0;
    for (Future<Long> result : results) total += result.get();
    System.out.println("total " + total);
    System.gc();
    pool.shutdown();
    System.out.println("ended " + pool.awaitTermination(1, TimeUnit.MINUTES));
    Process child = new ProcessBuilder("/bin/sh", "-c", "read line; echo got $line; exit 3").redirectErrorStream(true).start();
    child.getOutputStream().write("hello\n".getBytes());
    child.getOutputStream().close();
    System.out.print(new String(child.getInputStream().readAllBytes()));
    System.out.println("exit " + child.waitFor());
    try { recurse(0); } catch (StackOverflowError e) { System.out.println("stack overflow caught"); }
    try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null caught"); }
  }
  static int recurse(int n) { return recurse(n + 1) + 1; }
}
