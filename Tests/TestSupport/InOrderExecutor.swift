import Dispatch

/// Runs tasks on one thread in the order of their start, each up to its first suspension. A test
/// can therefore control the order.
package final class InOrderExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "in order")

  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Returns when all tasks started before have run up to a suspension.
  package func settle() async {
    await Task(executorPreference: self) {}.value
  }
}
