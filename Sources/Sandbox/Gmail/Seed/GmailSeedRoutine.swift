import Basics

/// Simple mail, for volume.
enum GmailSeedRoutine {
  static var posts: [GmailSeed.Post] { alerts + conversation + office }

  /// `Alert 01` to `Alert 40`, from 09:00 on. Four of ten arrive within one second, two of them
  /// within one millisecond.
  private static var alerts: [GmailSeed.Post] {
    (1...40).map { number in
      let digits = number < 10 ? "0\(number)" : "\(number)"
      let seconds = 3_600 + number / 10 * 600 + max(number % 10 - 3, 0) * 7
      let milliseconds = [0, 120, 120, 700][min(number % 10, 3)]
      let isRead = number % 3 == 0
      var labels = isRead ? ["INBOX"] : ["UNREAD", "INBOX"]
      if number % 8 == 0 { labels.append("Label_12") }
      if number % 10 == 5 { labels += ["IMPORTANT", "CATEGORY_UPDATES"] }
      let severity = number % 4 == 0 ? "high" : "low"
      return GmailSeed.Post(
        owner: "soc",
        mail: plain(
          from: "Sensor <alerts@sensors.example>", to: "soc@harbor.example",
          subject: "Alert \(digits)", seconds: seconds, id: "alert-\(digits)@sensors.example",
          "Sensor \(number % 5 + 1) saw something of \(severity) severity.\r\nCase \(4_200 + number)."
        ), labels: labels, milliseconds: seconds * 1_000 + milliseconds)
    }
  }

  /// A thread of three mails, in both mailboxes.
  private static var conversation: [GmailSeed.Post] {
    let people = ["nils", "fiona"]
    return (0..<3).flatMap { number -> [GmailSeed.Post] in
      let sender = people[number % 2]
      let seconds = 5 * 3_600 + number * 900
      let references = (0..<number).map { "<berth-\($0)@harbor.example>" }
      var more: [SeedMail.Header] = []
      if let last = references.last {
        more = [("In-Reply-To", last), ("References", references.joined(separator: " "))]
      }
      let mail = plain(
        from: "\(sender)@harbor.example", to: "\(people[(number + 1) % 2])@harbor.example",
        subject: (number > 0 ? "Re: " : "") + "Berth fees", seconds: seconds,
        id: "berth-\(number)@harbor.example", more: more,
        ["Which berths are not paid?", "Three and seven.", "Thank you."][number] + "\r\n")
      return people.map { owner in
        GmailSeed.Post(
          owner: owner, mail: mail, labels: owner == sender ? ["SENT"] : ["INBOX"],
          milliseconds: seconds * 1_000)
      }
    }
  }

  private static var office: [GmailSeed.Post] {
    (1...5).map { number in
      GmailSeed.Post(
        owner: "ada",
        mail: plain(
          from: "Workspace <no-reply@workspace.example>", to: "ada@harbor.example",
          subject: "Weekly report \(number)", seconds: number * 3_600,
          id: "report-\(number)@workspace.example", "\(number) users signed in.\r\n"),
        milliseconds: number * 3_600_000)
    }
  }

  static func plain(
    from: String, to: String, subject: String, seconds: Int, id: String,
    more: [SeedMail.Header] = [], _ text: String
  ) -> [UInt8] {
    SeedMail.text(text).with(
      [
        ("From", from), ("To", to), ("Subject", subject),
        ("Date", MailDate.text(GmailSeed.epoch + seconds)), ("Message-ID", "<\(id)>"),
        ("MIME-Version", "1.0"),
      ] + more
    ).bytes
  }
}
