using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>The words of the notice that are the program's and not the policy's, in one language.</summary>
internal sealed class NoticeWords
{
    private static readonly NoticeWords English = new();
    private static readonly NoticeWords Chinese = new();

    private NoticeWords()
    {
    }

    public string Title => In("PRIVACY NOTICE", "隐私声明");

    public Func<Policy, string> Heading => In<Func<Policy, string>>(
        static policy => $"Policy {policy.Version}, in force from {Date(policy)}. Law: {policy.Jurisdiction}.",
        static policy => $"政策版本 {policy.Version}，自 {Date(policy)} 起生效。适用法律：{policy.Jurisdiction}。");

    public string Controller => In("Responsible", "责任方");

    public string Contacts => In("Contact", "联系方式");

    public string Changes => In("What is new", "更新内容");

    public string Basic => In("ON BY CONTRACT", "基本功能（依合同开启）");

    public string Extended => In("OFF UNTIL YOU GRANT IT", "扩展功能（授权之前关闭）");

    public string Recipients => In("WHO RECEIVES DATA", "数据接收方");

    public string Rights => In("YOUR RIGHTS", "您的权利");

    public string Stays => In("it stays on the board", "不离开设备");

    public string NotKept => In("not stored", "不存储");

    public string Necessary => In("necessary", "必要");

    public string NotNecessary => In("not necessary; without it the function goes on", "非必要；拒绝不影响该功能");

    public string Purpose => In("for", "目的");

    public string Basis => In("on the basis of", "法律依据");

    public string Kept => In("kept at most", "最长保存");

    public string Sent => In("goes to", "发送至");

    public string FinestIs => In("no finer than", "精度上限");

    public string Prohibited => In("prohibited", "禁止");

    public string Agreement => In("agreement", "协议");

    public string Method => In("method", "方式");

    public string Policy => In("its policy", "其隐私政策");

    public string Pseudonymise => In("under a pseudonym of its own", "使用专属假名");

    public string Anonymise => In("anonymous aggregates only", "仅接收匿名汇总数据");

    public string HighRisk => In("An impact assessment found a high risk", "影响评估发现高风险");

    public string Separator => In(", ", "，");

    public IReadOnlyList<string> Classes => In<IReadOnlyList<string>>(
        ["about the instrument", "personal", "sensitive: needs a consent of its own", "excluded from the policy"],
        ["仪器信息", "个人信息", "敏感个人信息，需单独同意", "不适用本政策的信息"]);

    public IReadOnlyList<string> Bases => In<IReadOnlyList<string>>(
        ["consent", "contract", "a legal obligation", "a vital interest", "a legitimate interest", "a public interest"],
        ["同意", "合同", "法定义务", "重大利益", "合法利益", "公共利益"]);

    public IReadOnlyList<string> Stages => In<IReadOnlyList<string>>(
        ["collecting", "storing", "sending"],
        ["采集", "存储", "发送"]);

    public IReadOnlyList<string> RightNames => In<IReadOnlyList<string>>(
        ["access", "rectification", "deletion", "restriction", "copy", "withdrawal of consent", "closure", "complaint"],
        ["查阅", "更正", "删除", "限制处理", "获取副本", "撤回同意", "注销", "投诉"]);

    public string Days => In("days", "天");

    public string Hours => In("hours", "小时");

    public string Minutes => In("minutes", "分钟");

    public string Seconds => In("seconds", "秒");

    /// <summary>The words in a language; English where there are none in it.</summary>
    public static NoticeWords For(string language) => language == "zh" ? Chinese : English;

    private T In<T>(T english, T chinese) => ReferenceEquals(this, Chinese) ? chinese : english;

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
