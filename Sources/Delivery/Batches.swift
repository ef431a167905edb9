/// The result of one element of a batch, which is one request for several elements.
public enum BatchAnswer: Sendable {
  case settled(Result<TargetAnswer, CommandError>)
  /// Nothing was done: to be sent individually.
  case notApplied
  /// Nothing was done, since too many are sent at once: to be sent in a smaller batch.
  case refusedByRate
  /// It may have been done: to be sent individually.
  case mayHaveBeenApplied

  public var settled: Result<TargetAnswer, CommandError>? {
    if case .settled(let result) = self { result } else { nil }
  }

  var isRefusedByRate: Bool { if case .refusedByRate = self { true } else { false } }
}

/// Sends elements in batches, as many at a time as `BatchPace` allows. Elements that are refused for
/// their rate are sent in further batches, and nothing else is sent twice.
///
/// - Parameters:
///   - size: elements per batch at most.
///   - work: sends one batch. Its results are in the order of the elements.
///   - onSettled: called per settled element, as batches end.
/// - Returns: the results in the order of the elements; nil per element that was not sent.
package func sendInBatches<Element: Sendable>(
  _ elements: [Element], size: Int, _ work: @escaping @Sendable ([Element]) async -> [BatchAnswer],
  onSettled: @escaping @Sendable (Int, Result<TargetAnswer, CommandError>) async -> Void = {
    _, _ in
  }
) async -> [BatchAnswer?] {
  var results = [BatchAnswer?](repeating: nil, count: elements.count)
  await withTaskGroup(of: FinishedBatch.self) { group in
    var schedule = BatchSchedule(count: elements.count, size: size)
    while true {
      while !Task.isCancelled, let positions = schedule.next() {
        let batch = positions.map { elements[$0] }
        group.addTask {
          let answers = await work(batch)
          precondition(answers.count == batch.count, "a batch that answers for others")
          for (position, answer) in zip(positions, answers) {
            guard let result = answer.settled else { continue }
            await onSettled(position, result)
          }
          return FinishedBatch(positions: positions, answers: answers)
        }
      }
      guard let batch = await group.next() else { return }
      schedule.finish(batch.positions, batch.answers)
      for (position, answer) in zip(batch.positions, batch.answers) { results[position] = answer }
    }
  }
  return results
}

private struct FinishedBatch: Sendable {
  let positions: [Int]
  let answers: [BatchAnswer]
}
