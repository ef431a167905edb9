import Dispatch

/// Runs tasks on one thread in the order in which they were started, each up to where it first
/// waits, so that a test can say who came first.
package final class InOrderExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "in order")

  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Returns when all that was started before has run up to where it waits.
  package func settle() async {
    await Task(executorPreference: self) {}.value
  }
}
