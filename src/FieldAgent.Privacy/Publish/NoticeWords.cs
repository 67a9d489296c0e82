using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>The words of the notice that are the program's and not the policy's, in one language.</summary>
internal sealed class NoticeWords
{
    private static readonly NoticeWords English = new()
    {
        Title = "PRIVACY NOTICE",
        Heading = static policy => $"Policy {policy.Version}, in force from {Date(policy)}. Law: {policy.Jurisdiction}.",
        Controller = "Responsible",
        Contacts = "Contact",
        Changes = "What is new",
        Basic = "ON BY CONTRACT",
        Extended = "OFF UNTIL YOU GRANT IT",
        Recipients = "WHO RECEIVES DATA",
        Rights = "YOUR RIGHTS",
        Stays = "it stays on the board",
        NotKept = "not stored",
        Necessary = "necessary",
        NotNecessary = "not necessary; without it the function goes on",
        Purpose = "for",
        Basis = "on the basis of",
        Kept = "kept at most",
        Sent = "goes to",
        FinestIs = "no finer than",
        Prohibited = "prohibited",
        Agreement = "agreement",
        Method = "method",
        Policy = "its policy",
        Pseudonymise = "under a pseudonym of its own",
        Anonymise = "anonymous aggregates only",
        HighRisk = "An impact assessment found a high risk",
        Separator = ", ",
        Classes = ["about the instrument", "personal", "sensitive: needs a consent of its own", "excluded from the policy"],
        Bases = ["consent", "contract", "a legal obligation", "a vital interest", "a legitimate interest", "a public interest"],
        Stages = ["collecting", "storing", "sending"],
        RightNames = ["access", "rectification", "deletion", "restriction", "copy", "withdrawal of consent", "closure", "complaint"],
        Days = "days",
        Hours = "hours",
        Minutes = "minutes",
        Seconds = "seconds",
    };

    private static readonly NoticeWords Chinese = new()
    {
        Title = "隐私声明",
        Heading = static policy => $"政策版本 {policy.Version}，自 {Date(policy)} 起生效。适用法律：{policy.Jurisdiction}。",
        Controller = "责任方",
        Contacts = "联系方式",
        Changes = "更新内容",
        Basic = "基本功能（依合同开启）",
        Extended = "扩展功能（授权之前关闭）",
        Recipients = "数据接收方",
        Rights = "您的权利",
        Stays = "不离开设备",
        NotKept = "不存储",
        Necessary = "必要",
        NotNecessary = "非必要；拒绝不影响该功能",
        Purpose = "目的",
        Basis = "法律依据",
        Kept = "最长保存",
        Sent = "发送至",
        FinestIs = "精度上限",
        Prohibited = "禁止",
        Agreement = "协议",
        Method = "方式",
        Policy = "其隐私政策",
        Pseudonymise = "使用专属假名",
        Anonymise = "仅接收匿名汇总数据",
        HighRisk = "影响评估发现高风险",
        Separator = "，",
        Classes = ["仪器信息", "个人信息", "敏感个人信息，需单独同意", "不适用本政策的信息"],
        Bases = ["同意", "合同", "法定义务", "重大利益", "合法利益", "公共利益"],
        Stages = ["采集", "存储", "发送"],
        RightNames = ["查阅", "更正", "删除", "限制处理", "获取副本", "撤回同意", "注销", "投诉"],
        Days = "天",
        Hours = "小时",
        Minutes = "分钟",
        Seconds = "秒",
    };

    public required string Title { get; init; }

    public required Func<Policy, string> Heading { get; init; }

    public required string Controller { get; init; }

    public required string Contacts { get; init; }

    public required string Changes { get; init; }

    public required string Basic { get; init; }

    public required string Extended { get; init; }

    public required string Recipients { get; init; }

    public required string Rights { get; init; }

    public required string Stays { get; init; }

    public required string NotKept { get; init; }

    public required string Necessary { get; init; }

    public required string NotNecessary { get; init; }

    public required string Purpose { get; init; }

    public required string Basis { get; init; }

    public required string Kept { get; init; }

    public required string Sent { get; init; }

    public required string FinestIs { get; init; }

    public required string Prohibited { get; init; }

    public required string Agreement { get; init; }

    public required string Method { get; init; }

    public required string Policy { get; init; }

    public required string Pseudonymise { get; init; }

    public required string Anonymise { get; init; }

    public required string HighRisk { get; init; }

    public required string Separator { get; init; }

    public required IReadOnlyList<string> Classes { get; init; }

    public required IReadOnlyList<string> Bases { get; init; }

    public required IReadOnlyList<string> Stages { get; init; }

    public required IReadOnlyList<string> RightNames { get; init; }

    public required string Days { get; init; }

    public required string Hours { get; init; }

    public required string Minutes { get; init; }

    public required string Seconds { get; init; }

    public static NoticeWords For(string language) => language == "zh" ? Chinese : English;

    public string Right(string name) => RightNames[ClosedLists.Rights.Words.ToList().IndexOf(name)];

    /// <summary>A term in the largest unit that it is a whole number of.</summary>
    public string Duration(TimeSpan term)
    {
        var (count, unit) = term.Ticks % TimeSpan.TicksPerDay == 0 ? (term.TotalDays, Days)
            : term.Ticks % TimeSpan.TicksPerHour == 0 ? (term.TotalHours, Hours)
            : term.Ticks % TimeSpan.TicksPerMinute == 0 ? (term.TotalMinutes, Minutes)
            : (term.TotalSeconds, Seconds);
        return string.Create(CultureInfo.InvariantCulture, $"{count} {unit}");
    }

    private static string Date(Policy policy) => policy.EffectiveFrom.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
